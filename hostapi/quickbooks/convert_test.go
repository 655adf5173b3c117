package quickbooks

import (
	"testing"

	"extractor/hostapi/hostapitest"
	"extractor/models"
)

// Each row of the rules for money has its record in testdata, and its items beside it.
func TestTransformGolden(t *testing.T) {
	hostapitest.Golden(t, open(t, "http://127.0.0.1"), "testdata", models.Policy{})
}

// Under cash basis the records carry what complete has put in.
func TestTransformGoldenCash(t *testing.T) {
	hostapitest.Golden(t, openWith(t, Config{BaseURL: "http://127.0.0.1", Basis: cash}), "testdata/cash", models.Policy{})
}
