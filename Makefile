# Everything a newcomer needs. No variable has to be set; make alone lists the targets.
# Paths are relative, so that the folder's own path may hold spaces.
#
# Tried on Debian 12, as root and as an ordinary user. Written with care but not
# tried: macOS (make 3.81, Homebrew's Postgres).

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-builtin-rules

GOLANGCI_VERSION := v2.15.0
GOLANGCI         := .tools/golangci-lint-$(GOLANGCI_VERSION)
# On its own line below go test: the whole suite within this, or it hangs.
TEST_TIMEOUT     := 10m
# What make audit asks, by exact version; see SECURITY.md.
GOSEC_VERSION       := v2.22.11
GOSEC               := .tools/gosec-$(GOSEC_VERSION)
GOVULNCHECK_VERSION := v1.1.4
GOVULNCHECK         := .tools/govulncheck-$(GOVULNCHECK_VERSION)
GITLEAKS_VERSION    := v8.30.1
GITLEAKS            := .tools/gitleaks-$(GITLEAKS_VERSION)
# Left out: G104 is errcheck's, with reasons in .golangci.yml; G115 has no eye for
# bounds that were checked before, and the arithmetic has its properties as tests.
# Not looked at: tools of tests and builds, which start programs and open files
# that the developer names.
GOSEC_FLAGS := -quiet -exclude-generated -exclude=G104,G115 $(addprefix -exclude-dir=,\
	bench torture internal/livehosts internal/localpg internal/fuzzrun internal/vulndb internal/testrun internal/oauthtest \
	hostapi/hostapitest targetapi/targetapitest)

# Which jobs make bench measures; empty: all.
ONLY :=

# The Go whose library make audit judges: the patch that releases are to be built
# with. The go command fetches it where it is not installed.
AUDIT_GO := go1.26.10
VULNDB   := .tools/vulndb

# How long make fuzz runs each target; TALLY=1 notes what was tried in docs/fuzz.md.
FUZZTIME := 10s
TALLY    ?=
# The vendors' own stand-ins, which make hosts-live asks.
STRIPE_MOCK_VERSION := v0.203.0
STRIPE_MOCK         := .tools/stripe-mock-$(STRIPE_MOCK_VERSION)
WIREMOCK_VERSION    := 3.13.2
WIREMOCK_FOLDER     := .tools/wiremock-$(WIREMOCK_VERSION)
WIREMOCK            := $(WIREMOCK_FOLDER)/node_modules/wiremock/build/wiremock-standalone-$(WIREMOCK_VERSION).jar
# Samples that the vendors publish. They are not part of the project.
HOSTS_DATA          ?= ../shared/data/hosts
# What to test; one package: make test PACKAGES=./models ARGS='-run Prorate'
PACKAGES         := ./...
ARGS             :=

# apt-get may be used by root where there is one.
CAN_APT = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null

.DEFAULT_GOAL := help
.PHONY: help run test fuzz audit hosts-live lint generate bench bench-short torture torture-known-bad torture-failpoints build postgres browser standins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

build: ## bin/extractor
	@mkdir -p bin
	go build -o bin/extractor .

run: build postgres ## the whole story on this machine: API, sandbox host, sandbox TrustFile
	@exec bin/withpg -scratch -dir .postgres/run -env DATABASE_URL -- bin/extractor sandbox

test: postgres browser ## the whole suite on a Postgres of its own, race detector on
	@mkdir -p bin
	@go build -o bin/testrun ./internal/testrun
	@exec bin/withpg -scratch -dir .postgres/test -env TEST_DATABASE_URL -- \
		bin/testrun -race -count=1 -timeout $(TEST_TIMEOUT) $(ARGS) $(PACKAGES)

hosts-live: standins ## the adapters against stripe-mock, and WireMock with Square's mappings
	@mkdir -p bin
	@go build -o bin/livehosts ./internal/livehosts
	@exec bin/livehosts -stripe-mock $(STRIPE_MOCK) -wiremock $(WIREMOCK) \
		-mappings "$(HOSTS_DATA)/square/sdk_wiremock/wiremock-mappings.json"

lint: $(GOLANGCI) ## gofmt, go vet, golangci-lint, generated files
	@unformatted="$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l)"; \
		if [ -n "$$unformatted" ]; then echo "Run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(GOLANGCI) run ./...

fuzz: ## every fuzz target, two at once, FUZZTIME each (10s)
	@go run ./internal/fuzzrun -time $(FUZZTIME) -jobs 2 $(if $(TALLY),-tally docs/fuzz.md)

audit: $(GITLEAKS) $(GOSEC) $(GOVULNCHECK) ## secrets in the history, gosec, known vulnerabilities
	$(GITLEAKS) git --no-banner --redact .
	$(GOSEC) $(GOSEC_FLAGS) ./...
	@$(MAKE) --no-print-directory vulnerabilities

# The public database of vulnerabilities, else one made of its source; where both
# are out of reach, AUDIT_OFFLINE=1 forgives that, and nothing else.
.PHONY: vulnerabilities
vulnerabilities: $(GOVULNCHECK)
	@check() { GOTOOLCHAIN=$(AUDIT_GO) $(GOVULNCHECK) "$$@" ./... 2>&1; }; \
	if said="$$(check)"; then echo "$$said"; \
	elif ! grep -q 'fetching vulnerabilities' <<<"$$said"; then echo "$$said"; exit 1; \
	elif go run ./internal/vulndb -out $(VULNDB); then check -db "file://$(CURDIR)/$(VULNDB)"; \
	elif [ "$${AUDIT_OFFLINE:-}" = 1 ]; then echo "No database of vulnerabilities could be reached, so known ones were not looked for."; \
	else exit 1; fi

generate: ## app.json and the README's table of variables, from Config
	go generate .

bench: build postgres ## speed and memory against what is promised; writes bench.json and docs/performance.md (some: ONLY=pipeline,growth)
	@go run ./bench -only "$(ONLY)"

bench-short: build postgres ## the same with less, within two minutes: fails when what was done is wrong, never on a time
	@go run ./bench -short

torture: postgres ## nothing lost, nothing twice, by experiment: SEED=1 SEEDS=20 (short: SEEDS=5; TALLY=1 notes it in docs)
	@go run ./torture

torture-known-bad: postgres ## builds that are wrong on purpose: each must be caught
	@go run ./torture known-bad

torture-failpoints: postgres ## every named place of the code, with each kind of failure
	@go run ./torture failpoints

clean: ## what was built, and the private Postgres with its data
	rm -rf bin .postgres

# The programs of Postgres, where root can install them; else internal/localpg downloads them.
postgres:
	@mkdir -p bin
	@go build -o bin/withpg ./internal/localpg/run
	@bin/withpg -find >/dev/null || if $(CAN_APT); then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql \
		|| echo "Postgres could not be installed by apt-get."; fi

# A browser for the tests of the popup, on machines that are made for tests only.
browser:
	@if [ "$${CI:-}" = true ] && $(CAN_APT) && ! command -v chromedriver >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver \
		|| echo "Chromium could not be installed by apt-get: the browser tests will be skipped."; fi

# The stand-ins, where they can be installed; internal/livehosts says which is missing.
standins:
	@mkdir -p .tools
	@[ -x $(STRIPE_MOCK) ] || { \
		GOBIN="$(CURDIR)/.tools" go install github.com/stripe/stripe-mock@$(STRIPE_MOCK_VERSION) \
		&& mv .tools/stripe-mock $(STRIPE_MOCK); } || echo "stripe-mock could not be installed by go install."
	@[ -f $(WIREMOCK) ] || ! command -v npm >/dev/null || \
		npm install --silent --no-audit --no-fund --no-save --prefix $(WIREMOCK_FOLDER) wiremock@$(WIREMOCK_VERSION) \
		|| echo "WireMock could not be installed by npm."

# By exact version into a file that carries it, so that a new version is a new file.
$(GOLANGCI):
	@mkdir -p .tools
	GOBIN="$(CURDIR)/.tools" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv .tools/golangci-lint $@

$(GOSEC):
	@mkdir -p .tools
	GOBIN="$(CURDIR)/.tools" go install github.com/securego/gosec/v2/cmd/gosec@$(GOSEC_VERSION)
	@mv .tools/gosec $@

$(GOVULNCHECK):
	@mkdir -p .tools
	GOBIN="$(CURDIR)/.tools" go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	@mv .tools/govulncheck $@

$(GITLEAKS):
	@mkdir -p .tools
	GOBIN="$(CURDIR)/.tools" go install github.com/zricethezav/gitleaks/v8@$(GITLEAKS_VERSION)
	@mv .tools/gitleaks $@
