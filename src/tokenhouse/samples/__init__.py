"""A sample of real traffic, thinned from ServeGen's (see NOTICE), and the plan under which `replay --sample` runs it."""
