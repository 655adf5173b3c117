// Run runs a command with a Postgres beside it:
//
//	run -env TEST_DATABASE_URL -dir .postgres/test -scratch -- go test ./...
//
// The variable named by -env holds the address. When it is set already, that
// server is used. Signals go to the command; its exit status becomes ours.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"extractor/internal/localpg"
)

func main() {
	status, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

// run returns the exit status.
func run() (int, error) {
	variable := flag.String("env", "DATABASE_URL", "the variable that gets the address")
	dir := flag.String("dir", ".postgres/run", "where a private Postgres keeps its files")
	scratch := flag.Bool("scratch", false, "make it anew, without fsync: for tests")
	find := flag.Bool("find", false, "only say where the installed programs of Postgres are; status 1 when nowhere")
	flag.Parse()
	if *find {
		return report()
	}
	if flag.NArg() == 0 {
		return 2, errors.New("run: no command")
	}
	options := localpg.Options{URL: os.Getenv(*variable), Dir: *dir, Scratch: *scratch, Log: os.Stderr}
	return beside(*variable, options, flag.Args())
}

// report says where Postgres is installed.
func report() (int, error) {
	dir, err := localpg.Installed(context.Background())
	if err != nil || dir == "" {
		return 1, err
	}
	fmt.Println(dir)
	return 0, nil
}

// beside runs the command while the Postgres runs.
func beside(variable string, options localpg.Options, command []string) (int, error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	url, stop, err := localpg.Start(context.Background(), options)
	if err != nil {
		return 1, err
	}
	status, err := follow(exec.CommandContext(context.Background(), command[0], command[1:]...), variable+"="+url, signals)
	return status, errors.Join(err, stop())
}

// follow runs cmd in a process group of its own and hands signals on to all of
// it: a terminal would send Ctrl-C to the command directly, kill would not, and
// so each arrives exactly once. Where the kernel can, the command ends with us
// also when we are killed; to it, we are this thread.
func follow(cmd *exec.Cmd, env string, signals <-chan os.Signal) (int, error) {
	cmd.Env = append(os.Environ(), env)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = attributes()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			// A group that is gone already needs no signal.
			_ = syscall.Kill(-cmd.Process.Pid, s.(syscall.Signal))
		case err := <-done:
			return exitStatus(cmd.ProcessState, err)
		}
	}
}

// exitStatus is the command's, or 128 and the signal that ended it, as shells have it.
func exitStatus(state *os.ProcessState, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}
