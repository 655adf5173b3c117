package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// job is a part of a run that has a Postgres for itself meanwhile; what it
// tells is printed when it is done.
type job func(ctx context.Context, pg *server) (told string, err error)

// sideBySide does jobs in their order, as many at once as there are servers,
// until one fails or ctx is done.
func sideBySide(ctx context.Context, servers chan *server, jobs []job) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	next := func() (j job) {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil || ctx.Err() != nil || len(jobs) == 0 {
			return nil
		}
		j, jobs = jobs[0], jobs[1:]
		return j
	}
	for range cap(servers) {
		all.Go(func() {
			for j := next(); j != nil; j = next() {
				pg := <-servers
				told, err := j(ctx, pg)
				servers <- pg
				mu.Lock()
				if told != "" {
					fmt.Println(told)
				}
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return errors.Join(failed, ctx.Err())
}
