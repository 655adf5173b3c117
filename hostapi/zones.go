package hostapi

import (
	"errors"
	"sync"
	"time"
)

// Zones are time zones by their IANA name. Loading one reads a file, and a zone
// is wanted for each record, so each is loaded once. The zero value is ready.
type Zones struct{ loaded sync.Map }

var errNoZone = errors.New("not a time zone")

// Load gives the zone of that name. No name is no zone, and "Local" would be
// this machine's: a record without a zone must not get a date by accident.
func (z *Zones) Load(name string) (*time.Location, error) {
	if known, ok := z.loaded.Load(name); ok {
		return known.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, errNoZone
	}
	z.loaded.Store(name, zone)
	return zone, nil
}
