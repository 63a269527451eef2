"""Providers: their wire formats read and written, their tokens counted; pure, values in and out."""
