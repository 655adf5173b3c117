package trustfile

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"extractor/models"
)

const (
	maxReason  = 300      // characters of the target's own words that we show
	maxMessage = 2000     // bytes of a message worth reading
	maxData    = 64 << 10 // bytes of quoted data that we look through
)

// withoutPersonal is the target's message without what it quotes of the item:
// messages are shown to operators and kept, addresses must not be.
func withoutPersonal(message string, data json.RawMessage, item *models.Item) string {
	if len(message) > maxMessage || len(data) > maxData {
		return ""
	}
	message = strings.TrimRight(strings.TrimSpace(printable(message)), ".")
	personal := personalOf(data, item)
	short := cut(withoutWords(message, personal), maxReason)
	return withoutWords(short, personal) // a word that was cut may be one of them now
}

// personalOf is what a message must not quote, the longest first.
func personalOf(data json.RawMessage, item *models.Item) []string {
	var hidden []string
	if s := item.Sale; s != nil {
		hidden = append(hidden, s.Description, s.ReviewMessage)
		for _, a := range []models.Address{s.ShipTo, s.ShipFrom} {
			hidden = append(hidden, a.Line1, a.City, a.Zip)
		}
	}
	var value any
	if json.Unmarshal(data, &value) == nil {
		hidden = append(hidden, texts(value)...)
	}
	slices.SortFunc(hidden, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return hidden
}

// texts are the strings inside a decoded JSON value.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, texts(one)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, one := range v {
			all = append(all, texts(one)...)
		}
		return all
	}
	return nil
}

// withoutWords replaces each of the words, see withoutWord.
func withoutWords(text string, words []string) string {
	for _, word := range words {
		text = withoutWord(text, word)
	}
	return text
}

// withoutWord replaces word by an ellipsis where it stands by itself, whatever its case.
func withoutWord(text, word string) string {
	word = strings.TrimSpace(printable(word))
	if word == "" {
		return text
	}
	var b strings.Builder
	copied, from := 0, 0
	for {
		i := indexFold(text[from:], word)
		if i < 0 {
			return b.String() + text[copied:]
		}
		begin := from + i
		end := begin + len(word)
		if alone(text, begin, end) {
			b.WriteString(text[copied:begin] + "…")
			copied, from = end, end
			continue
		}
		_, first := utf8.DecodeRuneInString(text[begin:]) // the next one may overlap with this one
		from = begin + first
	}
}

// alone reports whether no word goes on before or behind a part of a text.
func alone(text string, begin, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:begin])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return !wordly(before) && !wordly(after)
}

// indexFold is where word begins in text, ASCII letters compared without case.
func indexFold(text, word string) int {
	for i := 0; i+len(word) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}

func wordly(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// printable drops control characters and what is no UTF-8.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// cut shortens s to at most n characters.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
