"""The embedded platform: the programs behind `./flightdeck up`, their settings, start, health and end."""
