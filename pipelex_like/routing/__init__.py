"""bind() fills an environment in, the Router answers references, explain() tells why. Pure: no I/O, no SDK, no clock."""
