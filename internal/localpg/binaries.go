package localpg

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// folders are where packages put the programs of Postgres when they are not on
// the PATH: Debian, Red Hat, Homebrew on both kinds of Mac, Postgres.app.
var folders = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// Installed is the folder with the newest Postgres that may be run here, or "".
func Installed(ctx context.Context) (string, error) {
	who, err := unprivileged()
	if err != nil {
		return "", err
	}
	return installed(ctx, who), nil
}

func installed(ctx context.Context, who *owner) string {
	for _, dir := range candidates() {
		if complete(ctx, who, dir) {
			return dir
		}
	}
	return ""
}

// candidates are the folders to look in: the PATH first, then the newest version first.
func candidates() []string {
	var found []string
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if program, err := filepath.EvalSymlinks(initdb); err == nil {
			found = append(found, filepath.Dir(program))
		}
	}
	for _, pattern := range folders {
		dirs, _ := filepath.Glob(pattern) // the patterns are well formed
		slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
		found = append(found, dirs...)
	}
	return found
}

// version is the number in a path such as /usr/lib/postgresql/15/bin.
func version(dir string) int {
	n, _ := strconv.Atoi(strings.Trim(filepath.Base(filepath.Dir(dir)), "abcdefghijklmnopqrstuvwxyz-@"))
	return n
}

// complete reports whether dir holds all programs we need and the owner may run
// them: a client-only installation has no initdb, one below /root is closed.
func complete(ctx context.Context, who *owner, dir string) bool {
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if who.command(ctx, filepath.Join(dir, name), "--version").Run() != nil {
			return false
		}
	}
	return true
}

// minimalEnv keeps a stranger's PGDATA, PGPORT or locale out of the cluster.
func minimalEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "LANG=C"}
}
