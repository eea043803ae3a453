"""Three kinds of position codes and what their dot products know of the distance."""
