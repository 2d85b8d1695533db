# Outaged: `make serve` and `make test` do all the set-up on a fresh Debian 12 machine with Swift.

DATA      ?= var/outaged
OUTAGED   := .build/release/outaged
FIXTURES  := GeoFixtures
SUDO      := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

LIBRARIES := libgeos-dev libproj-dev libspatialite-dev libsqlite3-dev zlib1g-dev libssl-dev libxml2-dev pkg-config
FOR_SERVE := redis-tools
FOR_TESTS := redis-tools libsqlite3-mod-spatialite sqlite3 python3-redis
FOR_BENCH := redis-server redis-tools linux-perf libs2-dev libboost-dev g++ postgresql-15 postgresql-15-postgis-3 python3

.PHONY: serve build test test-bench test-tsan soak replay kill-reports lint docs bench bench-serve bench-live bench-match check-allocations bench-suspected storm fuzz-match mutation-check check-kernel fuzz-resp fixtures clean

serve: build .build/serve-tools $(DATA)/outaged.sqlite
	@echo
	@echo "Serving from $(DATA). Try from another shell:"
	@echo "  redis-cli -s $(DATA)/query.sock OUTAGE.ACCOUNT 000000000098"
	@echo "  $(OUTAGED) ask account 000000000098 --data $(DATA)"
	@echo "  $(OUTAGED) publish outages $(FIXTURES)/storm/step-02.geojson --dry-run --data $(DATA)"
	@echo
	$(OUTAGED) serve --data $(DATA) --config $(FIXTURES)/outaged.json

# The fixture territory is made beside the data directory and moved there whole, so that a run that was cut off leaves nothing half made.
$(DATA)/outaged.sqlite:
	@rm -rf $(DATA).new && mkdir -p $(DATA).new
	$(OUTAGED) import addresses $(FIXTURES)/territory/service-points.csv --data $(DATA).new --config $(FIXTURES)/outaged.json
	$(OUTAGED) publish outages $(FIXTURES)/outages/outages.geojson --data $(DATA).new --config $(FIXTURES)/outaged.json
	@mkdir -p $(dir $(DATA)) && rm -rf $(DATA) && mv $(DATA).new $(DATA)

build: .build/libraries
	swift build -c release --product outaged

test: .build/libraries .build/test-tools
	swift build --build-tests
	swift test --skip-build

# The generators' and the load tool's own tests: a package of their own, with the benchmarks' libraries.
test-bench: .build/libraries .build/bench-tools
	swift build --package-path Bench --build-tests
	swift test --package-path Bench --skip-build

# Ends after so many inputs or seconds, whichever comes first.
FUZZ_INPUTS  ?= 10000000
FUZZ_SECONDS ?= 1800
FUZZ_SEED    ?= 1
fuzz-resp: .build/libraries
	swift run -c release --package-path Bench fuzz-resp $(FUZZ_INPUTS) $(FUZZ_SEED) $(FUZZ_SECONDS)

# A hundred kills of a daemon that is taking reports from a hundred callers; `make test` does with a few.
kill-reports: .build/libraries
	swift build --build-tests
	OUTAGED_REPORT_KILLS=100 swift test --skip-build --filter ReportKillTests

# The whole recorded storm over 500,000 service points, at REPLAY_SPEED times its own speed: 47 hours in 16 minutes. Needs ../shared/data.
REPLAY_SPEED ?= 180
replay: build .build/test-tools
	swift build --build-tests
	OUTAGED_BINARY=$(CURDIR)/$(OUTAGED) REPLAY_SERVICE_POINTS=500000 REPLAY_EACH=1 REPLAY_SPEED=$(REPLAY_SPEED) \
	  swift test --skip-build --filter FeedReplayTests

# Swift's Mutex is shown to the sanitizer by Tests/ThreadSanitizer. TSAN_FILTER: which suites; all of them take hours.
TSAN_FILTER ?= ReactorTests|EventLogTests|EndToEndTests.LifecycleTests|EndToEndTests.PublishUnderLoadTests|EndToEndTests.ClientTests
test-tsan: .build/libraries .build/test-tools
	swift build --build-tests --sanitize=thread --scratch-path .build-tsan
	clang -O1 -shared -fPIC -o .build-tsan/mutex-annotations.so Tests/ThreadSanitizer/MutexAnnotations.c
	LD_PRELOAD=$(CURDIR)/.build-tsan/mutex-annotations.so TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1" \
	  .build-tsan/debug/OutagedPackageTests.xctest --testing-library swift-testing --filter '$(TSAN_FILTER)'

# Load, refreshes and reconnects for so long; fails if an answer is wrong or the daemon's memory grows.
MINUTES ?= 60
soak: build .build/bench-tools
	for product in outage-fixtures outage-load; do swift build -c release --package-path Bench --product $$product || exit 1; done
	MINUTES=$(MINUTES) python3 Bench/serve/soak.py

lint:
	swift format lint --strict --recursive Package.swift Sources Tests Bench/Package.swift Bench/Sources Bench/Tests

# The tables at the end of three pages are the program's own.
docs: build
	@for page in PROTOCOL:commands FORMATS:formats "METRICS:metrics --list"; do \
	  file=Docs/$${page%%:*}.md; command=$${page#*:}; \
	  sed -i "/^<!-- outaged $$command -->$$/q" $$file && $(OUTAGED) $$command >> $$file; \
	done

bench: build .build/bench-tools
	Bench/bench-lookups.sh

# About eight minutes on a quiet machine; sizes come from the environment (Bench/serve/bench-serve.py).
bench-serve: build .build/bench-tools
	for product in outage-fixtures outage-load bare-epoll; do swift build -c release --package-path Bench --product $$product || exit 1; done
	python3 Bench/serve/bench-serve.py

# About two minutes; sizes come from the environment (Bench/live/bench-live.py).
bench-live: build .build/bench-tools
	for product in outage-load report-load; do swift build -c release --package-path Bench --product $$product || exit 1; done
	python3 Bench/live/bench-live.py

# Simulated time: the same seeds give the same figures on any machine.
bench-suspected: .build/libraries
	swift run -c release --package-path Bench detect-storm

# Counts what the event loops allocate over a million lookups; fails if that is anything.
CHECKED := .build/allocation-check
check-allocations: build
	swift build -c release --package-path Bench --product allocation-check
	rm -rf $(CHECKED)
	$(OUTAGED) import addresses $(FIXTURES)/territory/service-points.csv --data $(CHECKED) --config $(FIXTURES)/outaged.json
	$(OUTAGED) publish outages $(FIXTURES)/outages/outages.geojson --data $(CHECKED) --config $(FIXTURES)/outaged.json
	Bench/.build/release/allocation-check $(CHECKED) 1000000
	rm -rf $(CHECKED)

bench-match: .build/libraries .build/bench-tools
	swift run -c release --package-path Bench bench-match --out Docs

# Twelve hours in STORM_SECONDS, with kills and broken feeds; ends with status 1 if anything was lost, wrong or late.
STORM_SECONDS ?= 240
storm: build
	swift build -c release --package-path Bench --product outage-fixtures
	python3 Bench/storm/storm.py --seconds $(STORM_SECONDS)

# MATCH_SECONDS=3600 for a long run; SEED= to repeat one.
MATCH_SECONDS ?= 120
SEED ?= 1

fuzz-match: .build/libraries
	swift run -c release --package-path Bench fuzz-match --seconds $(MATCH_SECONDS) --seed $(SEED)

# Shows that the tests notice each flipped comparison; about half an hour.
mutation-check: .build/libraries
	Bench/mutation-check.sh

# Shows that a point query counts no references and allocates nothing.
check-kernel: build
	Bench/check-kernel.py

fixtures: .build/libraries
	swift run -c release --package-path Bench outage-fixtures committed --out $(FIXTURES)

clean:
	rm -rf .build .build-tsan Bench/.build

# What apt has to bring is asked for only where something is missing.
.build/libraries: Makefile
	@$(call install,$(LIBRARIES))
	@mkdir -p .build && touch $@

.build/serve-tools: Makefile
	@$(call install,$(FOR_SERVE))
	@mkdir -p .build && touch $@

.build/test-tools: Makefile
	@$(call install,$(FOR_TESTS))
	@mkdir -p .build && touch $@

.build/bench-tools: Makefile
	@$(call install,$(FOR_BENCH))
	@mkdir -p .build && touch $@

define install
missing=""; for package in $(1); do \
  [ "$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null)" = installed ] || missing="$$missing $$package"; \
done; \
if [ -n "$$missing" ]; then \
  echo "Installing$$missing"; \
  $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
fi
endef
