# `sam build` runs `make build-<logical id>` for every layer (template.yaml, Metadata).
FOLDER := $(dir $(firstword $(MAKEFILE_LIST)))
build-%:
	@python3.13 "$(FOLDER)../../scripts/build_layer.py" "$(FOLDER)"
