"""The plans that come with tokenhouse: one a source system, and prepaid money."""
