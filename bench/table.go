package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// table is one of the two for people, in Markdown. Its first column is the job,
// by which a run replaces its own lines and leaves those of other jobs alone.
type table struct {
	name string // of its marks in the documentation
	head string
	rows func(result) []row
	line func(job string, of result, r row) string
}

// tables are what we promise, and the figures behind it.
func tables() []table {
	return []table{
		{
			"goals", "| job | | measured | promised | | when, at commit |\n|---|---|---|---|---|---|\n",
			func(r result) []row { return r.split(true) },
			func(name string, of result, r row) string {
				return fmt.Sprintf("| %s | %s | %s | %s | %s | %s, %s |\n", name, r.Name, r.value(), r.goal(), r.verdict(), of.Measured, of.Commit)
			},
		},
		{
			"figures", "| job | | measured |\n|---|---|---|\n",
			func(r result) []row { return r.split(false) },
			func(name string, _ result, r row) string {
				return fmt.Sprintf("| %s | %s | %s |\n", name, r.Name, r.value())
			},
		},
	}
}

// split are the rows that have a goal, or those that have none.
func (r result) split(goal bool) (some []row) {
	for _, one := range r.Rows {
		if (one.Sign != "") == goal {
			some = append(some, one)
		}
	}
	return some
}

// text is the table: jobs that were measured now, others as they were in the old text.
func (t table) text(old string, found map[string]result) string {
	var b strings.Builder
	b.WriteString(t.head)
	for _, name := range jobNames() {
		if now, ok := found[name]; ok {
			for _, r := range t.rows(now) {
				b.WriteString(t.line(name, now, r))
			}
			continue
		}
		for line := range strings.Lines(old) {
			if strings.HasPrefix(line, "| "+name+" |") {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

// documentation is the file into which a whole run writes its tables.
const documentation = "docs/performance.md"

func document(r results, found map[string]result) error {
	text, err := os.ReadFile(documentation)
	if err != nil {
		return err
	}
	for _, t := range tables() {
		if text, err = between(text, t.name, func(old string) string { return t.text(old, found) }); err != nil {
			return err
		}
	}
	if text, err = between(text, "machine", func(string) string { return r.setting() + ".\n" }); err != nil {
		return err
	}
	return os.WriteFile(documentation, text, 0o644)
}

// between replaces what stands between a pair of marks.
func between(text []byte, name string, with func(old string) string) ([]byte, error) {
	begin, end := []byte("<!-- make bench: "+name+" -->\n"), []byte("<!-- end -->\n")
	before, rest, ok := bytes.Cut(text, begin)
	old, after, closed := bytes.Cut(rest, end)
	if !ok || !closed {
		return nil, fmt.Errorf("%s has lost the marks between which %s go", documentation, name)
	}
	var b bytes.Buffer
	b.Write(before)
	b.Write(begin)
	b.WriteString(with(string(old)))
	b.Write(end)
	b.Write(after)
	return b.Bytes(), nil
}
