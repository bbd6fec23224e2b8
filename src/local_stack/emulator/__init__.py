"""The AWS emulator: moto's server, in a process of its own, with the corrections it needs.

Each module corrects one service and says what AWS does where moto does otherwise. They patch
moto at exactly the version that is locked; nothing outside this package knows moto.
"""
