"""Prediction: texts in, predictions out, through an engine."""
