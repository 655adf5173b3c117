package models

// SealedColumns are the sealed columns as table.column.
func SealedColumns() (names []string) {
	for _, c := range sealedColumns {
		names = append(names, c.table+"."+c.column)
	}
	return names
}

// ByOurClock is byOurClock.
var ByOurClock = byOurClock
