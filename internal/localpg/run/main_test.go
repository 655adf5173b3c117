package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"extractor/internal/pgtest"
)

// endTime is for a signalled shell to end, on a busy machine.
const endTime = 10 * time.Second

func TestACommandEndsWithTheKilledRunner(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a command with its parent")
	}
	program := filepath.Join(t.TempDir(), "run")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	runner := exec.CommandContext(t.Context(), program, "-env", "A_DATABASE", "--", "sh", "-c", "echo $$; exec sleep 60")
	runner.Env = append(os.Environ(), "A_DATABASE="+pgtest.URL(t))
	out, err := runner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	command, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(endTime, func() { _ = out.Close() })
	if _, err := lines.ReadByte(); err != io.EOF { // the command held the other end
		t.Errorf("process %s lives on: %v", strings.TrimSpace(command), err)
	}
	_ = runner.Wait() // killed, as it should be
}
