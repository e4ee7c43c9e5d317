"""Forecasts of hourly series a day or a week ahead: arrays in, arrays out; what may be known when is decided here."""
