"""The contract between every tab and every engine: settings, events, the compute lane, devices."""
