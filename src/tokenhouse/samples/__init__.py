"""A sample of real traffic, thinned from ServeGen's (see NOTICE), and the plan to replay it under."""
