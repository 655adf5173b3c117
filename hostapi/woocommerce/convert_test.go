package woocommerce

import (
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
	hostapitest.AddsUp(t, "testdata/*.golden.json")
}
