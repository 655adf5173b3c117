package main

import "syscall"

// attributes put a command into a process group of its own, and end it with us:
// it would keep its ports, and nobody would know whose they are.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
