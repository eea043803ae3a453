"""One query arrow among key arrows in the plane."""
