"""The flow: one file a step, each of the shape gather, decide, record.

Edges call it through the house only.
"""
