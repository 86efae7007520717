"""What a call cost, from its usage and the prices of the spec."""
