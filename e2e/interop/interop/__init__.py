"""Asks Pli and Synapse the same questions and compares what they answer."""
