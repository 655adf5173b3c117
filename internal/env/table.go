package env

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Table writes the variables for people: name, whether it is set, default, and
// what it should be. Values are not shown.
func Table(out io.Writer, all []Variable) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSET\tDEFAULT\tWHAT IT SHOULD BE")
	for _, v := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Name, yes(v.Set()), v.fallback(), v.should())
	}
	return w.Flush()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

// fallback is what holds when the variable is not set.
func (v Variable) fallback() string {
	switch {
	case v.Default != "":
		return v.Default
	case v.Required:
		return "(required)"
	}
	return "-"
}
