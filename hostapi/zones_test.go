package hostapi_test

import (
	"testing"

	"extractor/hostapi"
)

func TestZones(t *testing.T) {
	t.Parallel()
	var zones hostapi.Zones
	for range 2 { // loaded, then remembered
		for _, name := range []string{"America/New_York", "UTC"} {
			if z, err := zones.Load(name); err != nil || z.String() != name {
				t.Errorf("%q: %v, %v", name, z, err)
			}
		}
		for _, name := range []string{"", "Local", "Nowhere/At_All", "../etc/passwd"} {
			if z, err := zones.Load(name); err == nil {
				t.Errorf("%q became %v", name, z)
			}
		}
	}
}
