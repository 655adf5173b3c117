package woocommerce

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"extractor/hostapi/hostapitest"
	"extractor/models"
)

func TestTransformGolden(t *testing.T) {
	hostapitest.Golden(t, open(t, ""), "testdata", models.Policy{})
}

// Each fixture holds to the invariant, or the item says that it does not.
func TestFixturesAddUp(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.golden.json")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var golden struct {
			Items []struct {
				Skip, Refused string
				Charged       *models.Amount
				Sale          models.Sale
			}
		}
		if err := json.Unmarshal(b, &golden); err != nil {
			t.Fatal(err)
		}
		for _, it := range golden.Items {
			holds := it.Charged != nil && *it.Charged == it.Sale.Total()
			if it.Skip+it.Refused == "" && !holds && it.Sale.ReviewMessage == "" {
				t.Errorf("%s: %v is not what was charged, and nobody is told", name, it.Sale.Total())
			}
		}
	}
}
