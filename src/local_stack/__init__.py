"""The whole deployment on one machine: the real handlers behind a local HTTP front.

What this package may hold is stand-ins for AWS (API Gateway, the Lambda Runtime API, an
emulator for the other services) and what starts them. Nothing of the product lives here, and
no name of the deployment is repeated: they are read from `template.yaml`. It is not deployed.
"""
