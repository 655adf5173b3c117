package trustfile

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"

	"extractor/models"
	"extractor/targetapi"
)

const (
	maxComplaint = 3 // complaints about one item that we show: the rest says the same
	maxIndex     = 6 // digits of an item's index: more cannot be one
)

// complaint is one of the errors of a 400. schema and keyword are not read:
// they come as numbers or strings and say nothing that message does not.
type complaint struct {
	DataPath     any             `json:"dataPath"`
	InstancePath any             `json:"instancePath"` // the same in later versions of its validator
	Message      any             `json:"message"`
	Data         json.RawMessage `json:"data"`
}

// refused reads a 400: nothing was taken. Those named are refused; when the
// answer names none, or one that was not in the batch, nobody is blamed.
func refused(body []byte, items []models.Item) (targetapi.Receipt, error) {
	var o outcome
	_ = json.Unmarshal(body, &o) // what cannot be read is as good as absent
	if o.Processed != nil && *o.Processed > 0 {
		return targetapi.Receipt{}, models.Errorf(models.Unsure, "%s refused a batch and took part of it at once. We look what it has.", title).
			Because(errors.New("a 400 answer with processed above zero"))
	}
	complaints := complaintsIn(o.Errors)
	culprits := blame(complaints, items)
	if len(culprits) == 0 {
		return targetapi.Receipt{}, unnamed(complaints)
	}
	return targetapi.Receipt{Refused: culprits}, nil
}

// blame finds the items that the complaints are about, and why; none when an
// index was not in the batch, because then we do not understand the counting.
func blame(complaints []complaint, items []models.Item) map[models.Ref]string {
	culprits, count := map[models.Ref]string{}, map[models.Ref]int{}
	for _, c := range complaints {
		index, field, named := parsePath(c.path())
		switch {
		case len(items) == 1: // there is nobody else
			index = 0
		case !named:
			continue // about the batch as such
		case index >= len(items):
			return nil
		}
		ref := items[index].Ref()
		if count[ref]++; count[ref] <= maxComplaint {
			culprits[ref] = strings.TrimSpace(culprits[ref] + " " + c.sentence(field, &items[index]))
		}
	}
	return culprits
}

// complaintsIn reads errors, each on its own: one that is odd does not hide the others.
func complaintsIn(raw json.RawMessage) []complaint {
	var each []json.RawMessage
	if json.Unmarshal(raw, &each) != nil {
		return nil
	}
	var all []complaint
	for _, one := range each {
		var c complaint
		if json.Unmarshal(one, &c) == nil {
			all = append(all, c)
		}
	}
	return all
}

// unnamed is the error of a batch that was refused without a culprit. The
// target's own words are left out: they may quote an item we cannot tell.
func unnamed(complaints []complaint) error {
	e := models.Errorf(models.Refused, "%s does not accept a batch and does not say which item is to blame.", title)
	if len(complaints) == 0 {
		return e.Because(errors.New("a 400 answer without errors"))
	}
	return e.Because(errors.New("a 400 answer whose errors name no item of the batch"))
}

func (c complaint) path() string {
	if s, ok := c.DataPath.(string); ok && s != "" {
		return s
	}
	s, _ := c.InstancePath.(string)
	return s
}

// sentence tells a person what is wrong with the item.
func (c complaint) sentence(field string, item *models.Item) string {
	about := "this item"
	if field != "" {
		about = field
	}
	reason, _ := c.Message.(string)
	reason = withoutPersonal(reason, c.Data, item)
	if reason == "" {
		return title + " does not accept " + about + "."
	}
	return title + " does not accept " + about + ": " + reason + "."
}

// parsePath reads where a complaint points to: ".items[3].shippingTax",
// "items[3]", "/items/3/shippingTax", "['items'][3]". ok = an item is named;
// field is what follows it, or without an item the last part of the path.
func parsePath(path string) (index int, field string, ok bool) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]/'\"#$", r) })
	for i, part := range parts {
		if part != "items" {
			continue
		}
		if i+1 < len(parts) {
			if index, ok = parseIndex(parts[i+1]); ok {
				return index, plainField(parts[i+2:]), true
			}
		}
		return 0, plainField(parts[i:]), false
	}
	return 0, plainField(parts), false
}

func parseIndex(s string) (int, bool) {
	if len(s) > maxIndex || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// plainField joins the parts of a path when they look like names of properties; else it is empty.
func plainField(parts []string) string {
	const most = 60 // characters: the longest of ours has 21
	field := strings.Join(parts, ".")
	for _, r := range field {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '_' {
			return ""
		}
	}
	if len(field) > most {
		return ""
	}
	return field
}
