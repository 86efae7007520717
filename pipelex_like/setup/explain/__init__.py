"""What `explain` adds to the router's own account: values that lost, example costs, what a protocol drops."""
