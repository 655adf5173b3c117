package rest

import (
	"io"
	"log"
)

// quiet is a log for servers that are made to complain.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
