# Every target does the set-up it needs, on a fresh Debian or Ubuntu with Go and
# make. Nothing is installed outside the Go module cache and bin/.

GO       ?= go
BIN      := bin/netrepro
FUZZTIME ?= 30s
TOOLS    := bin/tools
SOURCES  := $(shell find cmd engine lualib scenarios -name '*.go' -o -name '*.lua' -o -name '*.golden')
GOLANGCILINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

export CGO_ENABLED = 0
# Directories of captures that the analysis is held to tshark's over.
export NETREPRO_CAPTURES ?= $(abspath $(wildcard ../shared/captures))

.DEFAULT_GOAL := help
.PHONY: help run test race build lint bench fuzz matrix machines clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, then run the shipped scenarios, every variant
	@echo "running the shipped scenarios; this takes about half a minute"
	$(BIN) run

build: $(BIN) ## build bin/netrepro, a static binary

$(BIN): $(SOURCES) go.mod go.sum
	@echo "building $(BIN)"
	$(GO) build -trimpath -o $@ ./cmd/netrepro

test: build ## run every test; those that need namespaces need root or user namespaces
	@echo "running every test; this takes several minutes"
	$(GO) vet ./...
	GOOS=darwin $(GO) build -o /dev/null ./cmd/netrepro
	GOOS=windows $(GO) build -o /dev/null ./cmd/netrepro
	$(GO) test -timeout 18m $(TESTFLAGS) ./...

# Tests that kill processes are left out: what those race with is the kernel.
RACESKIP := ^(TestKill|TestMachineKilled|TestMachineOverlap|TestWorkerKilled)$$

race: ## run the tests of the packages with goroutines under the race detector
	@command -v $$($(GO) env CC) >/dev/null || { echo "race: left out: it needs a C compiler"; exit 0; }; \
	echo "running the tests of the packages with goroutines under the race detector"; \
	packages=$$(grep -rlE '\bgo func|\bgo [a-zA-Z_.]+\(|\.Go\(func' --include='*.go' engine | grep -v '_test\.go' | \
	  xargs -n1 dirname | sort -u | sed 's|^|./|'); \
	CGO_ENABLED=1 $(GO) test -race -short -skip '$(RACESKIP)' -timeout 8m $(TESTFLAGS) $$packages

# Kernels that make matrix compares, by what netrepro kernels shows, and what runs on them:
# nothing named is the whole library. Of its time, five days of conntrack take four minutes
# in each machine.
KERNELS ?= 5.10 6.1 6.12 7.2
MATRIX  ?=

matrix: build ## run the library on several kernels in virtual time, and write scenarios/KERNELS.md
	$(BIN) run $(addprefix --kernel ,$(KERNELS)) --matrix scenarios/KERNELS.md -o out/matrix $(MATRIX)
	@for k in out/matrix/6.1.* out/matrix/6.12.*; do \
	  printf '\n`redirect-port-clash/bug` on %s:\n\n```\n' "$${k##*/}"; \
	  $(BIN) trace "$$k/redirect-port-clash/bug/trace.pcapng"; printf '```\n'; done >> scenarios/KERNELS.md

machines: build ## run the tests of virtual machines, with QEMU and kernels that netrepro kernels shows
	NETREPRO_VM=1 $(GO) test -timeout 18m -count=1 -run TestVirtual -v ./cmd/netrepro

lint: $(TOOLS)/golangci-lint ## gofmt, vet, golangci-lint with staticcheck and the import directions
	@test -z "$$(gofmt -l cmd engine lualib scenarios)" || { gofmt -l cmd engine lualib scenarios; exit 1; }
	$(GO) vet ./...
	$(TOOLS)/golangci-lint run ./...

$(TOOLS)/golangci-lint:
	GOBIN=$(abspath $(TOOLS)) $(GO) install $(GOLANGCILINT)

bench: build ## measure, as ratios in one run, and print what limits them
	$(GO) run ./cmd/netrepro-bench -bin $(BIN)
	$(GO) test -run '^$$' -bench Cost -benchtime 1x -timeout 20m ./cmd/netrepro

# Go's fuzzer may say "context deadline exceeded" where nothing was found but the
# end of its time, on a busy host.
fuzz: ## fuzz every parser for a while
	@mkdir -p bin; for f in $$(grep -rHo '^func Fuzz[A-Za-z0-9]*' --include='*_test.go' cmd engine | sed 's|/[^/]*:func |:|'); do \
	  echo "fuzzing $$f for $(FUZZTIME)"; \
	  $(GO) test -run '^$$' -fuzz "^$${f##*:}$$" -fuzztime $(FUZZTIME) ./$${f%%:*} 2>&1 | tee bin/fuzz.log; \
	  if grep -q '^FAIL' bin/fuzz.log && { grep -q 'Failing input' bin/fuzz.log || ! grep -q 'context deadline exceeded' bin/fuzz.log; }; then exit 1; fi; done

clean: ## remove what was built and written
	rm -rf bin out
