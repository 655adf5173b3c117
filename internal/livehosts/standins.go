package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// paths are where things lie.
type paths struct{ stripeMock, wiremock, mappings string }

// stripe is Stripe's own mock server.
// https://github.com/stripe/stripe-mock
func (p paths) stripe() standIn {
	return standIn{
		name:    "stripe-mock",
		missing: absent(p.stripeMock, "the program could not be installed by go install"),
		command: func(_, port string) ([]string, error) {
			return []string{p.stripeMock, "-http-addr", loopback + ":" + port}, nil
		},
		ready:    "/",
		variable: "STRIPE_MOCK",
		tests:    "./hostapi/stripe",
	}
}

// square is WireMock with Square's mappings.
// https://wiremock.org/docs/standalone/java-jar/
func (p paths) square(ctx context.Context) standIn {
	missing := absent(p.mappings, "Square's mappings are not here")
	if missing == "" {
		missing = absent(p.wiremock, "WireMock could not be installed by npm")
	}
	if missing == "" {
		missing = withoutJava(ctx)
	}
	return standIn{
		name:    "WireMock for Square",
		missing: missing,
		command: func(folder, port string) ([]string, error) {
			return []string{"java", "-jar", p.wiremock, "--bind-address", loopback, "--port", port, "--root-dir", folder, "--disable-banner"}, p.lay(folder)
		},
		ready:    "/__admin/mappings?limit=1",
		variable: "SQUARE_MOCK",
		tests:    "./hostapi/square",
	}
}

// lay puts the mappings where WireMock looks for them.
func (p paths) lay(folder string) error {
	text, err := os.ReadFile(p.mappings)
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(folder, "mappings"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "mappings", "square.json"), text, 0o600)
}

// absent says sentence of a file that is not there.
func absent(file, sentence string) string {
	if _, err := os.Stat(file); err != nil {
		return fmt.Sprintf("%s (%s).", sentence, file)
	}
	return ""
}

// leastJava is the version that WireMock's jar is tried with.
const leastJava = 17

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// withoutJava says what is wrong with this machine's Java; empty: nothing.
func withoutJava(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "java", "-version").CombinedOutput()
	if err != nil {
		return "it needs Java, which is not installed here."
	}
	return oldJava(string(out))
}

func oldJava(said string) string {
	if found := javaVersion.FindStringSubmatch(said); found != nil {
		if major, err := strconv.Atoi(found[1]); err == nil && major >= leastJava {
			return ""
		}
	}
	return fmt.Sprintf("it needs Java %d or later, and this machine's is older.", leastJava)
}
