package localpg

import (
	"context"
	"os"
	"syscall"
	"time"
)

// lockPause is how long to wait between two looks at a lock that is held.
const lockPause = 50 * time.Millisecond

// lock is a file lock between processes; the kernel frees it when one is killed.
type lock struct{ file *os.File }

func openLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	return &lock{file: f}, err
}

// wait takes the lock for ourselves alone.
func (l *lock) wait(ctx context.Context) error {
	for !l.try() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
	return nil
}

// try takes the lock for ourselves alone if nobody else has it in any way.
func (l *lock) try() bool {
	return syscall.Flock(int(l.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// share takes the lock together with others who share it.
func (l *lock) share() error { return syscall.Flock(int(l.file.Fd()), syscall.LOCK_SH) }

// Close gives the lock up.
func (l *lock) Close() error { return l.file.Close() }
