package localpg

import (
	"context"
	"os"
	"path/filepath"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// download fetches the programs of Postgres into place, once, and returns their
// folder. Not tried: it needs the network.
//
// The library fetches only as a part of Start, so that Start is let fail: as
// root it always does, at initdb. What counts is whether the programs are there.
func download(ctx context.Context, place string) (string, error) {
	root := filepath.Join(place, "programs")
	bin := filepath.Join(root, "bin")
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp("", "extractor-postgres-fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	server := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(embeddedpostgres.V15).
		Port(uint32(port)).
		CachePath(filepath.Join(place, "download")).
		BinariesPath(root).
		RuntimePath(filepath.Join(scratch, "run")).
		DataPath(filepath.Join(scratch, "data")).
		Logger(nil))
	err = server.Start()
	if err == nil {
		err = server.Stop()
	}
	if _, missing := os.Stat(filepath.Join(bin, "pg_ctl")); missing != nil {
		return "", err
	}
	return bin, nil
}
