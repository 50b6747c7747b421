"""What the integration tests stand on: real servers, the program under test,
and independent eyes on what it did.  conftest.py offers it as fixtures."""
