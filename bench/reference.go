package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	gojson "github.com/goccy/go-json"
	"golang.org/x/sync/errgroup"
)

// The reference is the limit on this machine: what remains when nothing but the
// bare work is done, by hand. Pages are fetched and decoded by fetchers, turned
// into items and gathered into batches; loaders write a batch to the ledger,
// post what changed and mark it delivered. It has no leases, no cursors, no
// retries, and it would lose its place if it were stopped.
const (
	fetchers   = 2 // where the host answers at once
	loaders    = 2
	pageSize   = 250
	batchSize  = 1000
	pageBuffer = 2 << 20             // bytes; above the largest page
	windowSize = 14 * 24 * time.Hour // the extractor splits the past in the same way
)

// referenceTask is what the reference process reads from its standard input.
type referenceTask struct {
	World    *world
	Shop     string
	Database string
	Fetchers int
	Again    bool // the ledger is there, and nothing has changed
}

// referenceResult is what it prints.
type referenceResult struct {
	Items int64 `json:"items"` // brought to TrustFile
	Read  int64 `json:"read"`  // orders
	Cents int64 `json:"cents"` // all amounts added up
}

func reference(ctx context.Context) error {
	var task referenceTask
	if err := json.NewDecoder(os.Stdin).Decode(&task); err != nil {
		return err
	}
	p := &pipeline{task: task, client: newPageClient(), windows: make(chan [2]time.Time), batches: make(chan []saleItem, 4)}
	result, err := p.run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// reference lets the reference process do it.
func (d *driver) reference(ctx context.Context, database string, orders int) (turn, error) {
	return d.refer(ctx, referenceTask{Shop: shopOf(orders), Database: database, Fetchers: fetchers}, orders)
}

// refer runs the reference process. All orders have to be read, and all of them
// brought to TrustFile, or none where nothing has changed.
func (d *driver) refer(ctx context.Context, task referenceTask, orders int) (turn, error) {
	task.World = d.world
	cmd, err := self(ctx, verbReference, task)
	if err != nil {
		return turn{}, err
	}
	start := time.Now()
	out, err := cmd.Output()
	t := turn{orders: orders, took: time.Since(start)}
	if err != nil {
		return t, fmt.Errorf("the reference: %w", err)
	}
	t.app = usageOf(cmd.ProcessState)
	want := int64(orders)
	if task.Again {
		want = 0
	}
	var result referenceResult
	if err := json.Unmarshal(out, &result); err != nil || result.Items != want || result.Read != int64(orders) {
		return t, errors.Join(fmt.Errorf("the reference read %d and brought %d of %d", result.Read, result.Items, orders), err)
	}
	t.cents = result.Cents
	return t, nil
}

type pipeline struct {
	task    referenceTask
	client  *http.Client
	windows chan [2]time.Time
	batches chan []saleItem
	result  counter
}

func newPageClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32, WriteBufferSize: 64 << 10, ReadBufferSize: 256 << 10, DisableCompression: true}}
}

func (p *pipeline) run(ctx context.Context) (referenceResult, error) {
	if !p.task.Again {
		if err := makeLedger(ctx, p.task.Database); err != nil {
			return referenceResult{}, err
		}
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return p.cutWindows(ctx) })
	all.Go(func() error {
		defer close(p.batches)
		fetching, ctx := errgroup.WithContext(ctx)
		for range p.task.Fetchers {
			fetching.Go(func() error { return p.fetch(ctx) })
		}
		return fetching.Wait()
	})
	for range loaders {
		all.Go(func() error { return p.load(ctx) })
	}
	err := all.Wait()
	return referenceResult{p.result.items.Load(), p.result.read.Load(), p.result.cents.Load()}, err
}

// cutWindows cuts the past, so that every fetcher has something to do.
func (p *pipeline) cutWindows(ctx context.Context) error {
	defer close(p.windows)
	size := min(windowSize, span/time.Duration(p.task.Fetchers)+time.Minute)
	for from := p.task.World.From; from.Before(p.task.World.To); from = from.Add(size) {
		select {
		case p.windows <- [2]time.Time{from, from.Add(size)}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fetch reads windows page by page and hands on full batches.
func (p *pipeline) fetch(ctx context.Context) error {
	batch := make([]saleItem, 0, batchSize)
	for window := range p.windows {
		for cursor, more := "", true; more; {
			page, err := p.page(ctx, window, cursor)
			if err != nil {
				return err
			}
			for i := range page.Orders {
				item, err := page.Orders[i].item()
				if err != nil {
					return err
				}
				if batch = append(batch, item); len(batch) == batchSize {
					p.batches <- batch
					batch = make([]saleItem, 0, batchSize)
				}
			}
			p.result.read.Add(int64(len(page.Orders)))
			cursor, more = page.Next, page.Next != ""
		}
	}
	if len(batch) > 0 {
		p.batches <- batch
	}
	return nil
}

func (p *pipeline) page(ctx context.Context, window [2]time.Time, cursor string) (*orderPage, error) {
	query := url.Values{"updated_from": {window[0].Format(time.RFC3339Nano)}, "updated_to": {window[1].Format(time.RFC3339Nano)}, "limit": {fmt.Sprint(pageSize)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.task.World.Host+"/api/orders?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.task.World.Grants[p.task.Shop])
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body := bytes.NewBuffer(make([]byte, 0, max(res.ContentLength+bytes.MinRead, pageBuffer)))
	if _, err := body.ReadFrom(res.Body); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.New("host: " + res.Status)
	}
	page := &orderPage{Orders: make([]order, 0, pageSize)}
	return page, gojson.Unmarshal(body.Bytes(), page)
}

// post sends one body with n items to TrustFile.
func (p *pipeline) post(ctx context.Context, body []byte, n int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.task.World.Items+"/connections/"+connectionID+"/items", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.task.World.Token)
	req.Header.Set("Content-Type", "application/json")
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	var said struct{ Processed int }
	if err := json.Unmarshal(answer, &said); err != nil || said.Processed != n || res.StatusCode != http.StatusOK {
		return fmt.Errorf("TrustFile: %s, processed %d of %d", res.Status, said.Processed, n)
	}
	return nil
}
