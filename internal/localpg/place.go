package localpg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the user a cluster belongs to and runs as. Postgres refuses to run as root.
type owner struct {
	uid, gid int
	switched bool // we are root and step down to this user
}

// unprivileged is ourselves, or, when we are root, the user that packages make
// for Postgres, or nobody.
func unprivileged() (*owner, error) {
	if os.Geteuid() != 0 {
		return &owner{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return newOwner(u)
		}
	}
	return nil, errors.New("no Postgres: it does not run as root, and there is neither a user postgres nor nobody to run it as")
}

func newOwner(u *user.User) (*owner, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	return &owner{uid: uid, gid: gid, switched: true}, err
}

// command is a program run as the owner, with an environment of its own.
func (o *owner) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = minimalEnv()
	cmd.Dir = "/"
	if o.switched {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}}
	}
	return cmd
}

// settle makes the first folder that the owner can work in: the one asked for,
// or, when a parent of it is closed to the owner (a clone below /root) or it
// belongs to someone else, one of the same name under the temporary folders.
func settle(ctx context.Context, who *owner, dir string) (string, error) {
	sum := sha256.Sum256([]byte(dir))
	name := fmt.Sprintf("extractor-postgres-%d-%s", who.uid, hex.EncodeToString(sum[:6]))
	var errs []error
	for _, place := range []string{dir, filepath.Join(os.TempDir(), name), filepath.Join("/var/tmp", name)} {
		err := who.claim(ctx, place)
		if err == nil {
			return place, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", place, err))
	}
	return "", fmt.Errorf("no Postgres: no folder to keep its files in: %w", errors.Join(errs...))
}

// claim makes place and gives it to the owner. What is there already must be a
// real folder of ours: under /tmp anyone may have laid a link there.
func (o *owner) claim(ctx context.Context, place string) error {
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(place, 0o700); err == nil {
		err = os.Lchown(place, o.uid, o.gid)
		if err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := o.owns(place); err != nil {
		return err
	}
	return o.enters(ctx, place)
}

func (o *owner) owns(place string) error {
	info, err := os.Lstat(place)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != o.uid {
		return errors.New("is there already and belongs to someone else")
	}
	return os.Chmod(place, 0o700)
}

// enters reports, by doing it, whether the owner can go to place and write there.
func (o *owner) enters(ctx context.Context, place string) error {
	cmd := o.command(ctx, "/bin/sh", "-c", ": > .writable && rm .writable")
	cmd.Dir = place
	return cmd.Run()
}

// give writes a file that the owner alone may read. The owner could have laid a
// link in its folder, and we may be root: links are not followed.
func (o *owner) give(path, content string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Chown(o.uid, o.gid), f.Close())
}
