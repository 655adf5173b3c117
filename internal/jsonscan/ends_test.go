package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// endOf is where the value ends that begins at at, found byte by byte: the plain
// way that ends.go has to agree with; -1 when it does not end.
func endOf(text string, at int) int {
	depth, inside := 0, false
	for ; at < len(text); at++ {
		switch c := text[at]; {
		case inside && c == '\\':
			at++
		case c == '"':
			inside = !inside
		case inside:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		}
		if depth == 0 && !inside && at < len(text) {
			return at + 1
		}
	}
	return -1
}

// agree compares both ways at any of a word's places.
func agree(t *testing.T, value string) {
	t.Helper()
	for pad := range wordLen {
		text := strings.Repeat(" ", pad) + value
		want := endOf(text, pad)
		var got int
		switch value[0] {
		case '"':
			var plain bool
			got, plain = stringEnd([]byte(text), pad+1)
			if got >= 0 && plain == strings.Contains(text[:got], `\`) {
				t.Errorf("%q at %d: plain is %v", value, pad, plain)
			}
		case '{', '[':
			got = nestedEnd([]byte(text), pad)
		default:
			return
		}
		if got != want {
			t.Errorf("%q at %d ends at %d, not at %d", value, pad, got, want)
		}
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`""`, `"a"`, `"1234567"`, `"12345678"`, `"\""`, `"\\"`, `"\\\""`, `"123456\"890"`, `"1234567\\"`, `"\`, `"\"`, `"`, `"ä€\u00e4"x"`, "\"\x00\xff\x80\xa2\xdc\"",
		`{}`, `[]`, `[[[[[[[[[]]]]]]]]]`, `{"a":[1,{"b":"}]"}]}]`, `{"a":"\"}"}`, `{"a":"1234567\\"}`, `["\\\\\\\\\\","]"]`, `[\"]"]`, `{"a":1`, `[[]`, `[}`, `[","`,
		"[\x5b\xdb\xdd\xfb\xfd\"\xdb\"]]", `["a\/b\/c","` + strings.Repeat("x", 100) + `"] `,
	} {
		agree(t, value)
		agree(t, "["+value)
		agree(t, "["+value+"]")
		agree(t, `{"`+strings.Repeat("y_", 9)+`":`+value+"}")
	}
}

// FuzzEnds: looking at eight bytes at a time finds what looking at each does,
// in whatever text, and ends a value of encoding/json's at its end.
func FuzzEnds(f *testing.F) {
	f.Add(`{"a":[1,{"b":"\\"}],"c":"\u00e4"}`)
	f.Add(`["\"]\\",[{}],"x"]]`)
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return
		}
		agree(t, text)
		agree(t, `"`+text)
		agree(t, "["+text)
		if json.Valid([]byte(text)) {
			value := strings.TrimRight(text, " \t\r\n")
			s := Scanner{Text: []byte(text + " ")}
			if err := s.Skip(); err != nil || s.At != len(value) {
				t.Errorf("%q ends at %d, %v", text, s.At, err)
			}
		}
	})
}

// Each byte, at each place of a word whose other bytes are any other, is taken
// for what it is: nothing that matters is passed over, and no text has brackets.
func TestMarks(t *testing.T) {
	t.Parallel()
	for other := range 256 {
		text := bytes.Repeat([]byte{byte(other)}, wordLen)
		for at := range wordLen {
			for c := range 256 {
				text[at] = byte(c)
				w := word(text)
				if strings.ContainsRune("[]{}\\", rune(c)) && !special(w) {
					t.Fatalf("%q: nothing special", text)
				}
				opening, closing := brackets(w, 0)
				if opening != marks(text, "[{") || closing != marks(text, "]}") {
					t.Fatalf("%q: %x opens, %x closes", text, opening, closing)
				}
				if opening, closing = brackets(w, highs); opening|closing != 0 {
					t.Fatalf("%q: brackets in a string", text)
				}
			}
		}
	}
	for _, plain := range []string{"a plain ", "WORD: 0.", `"zZ": -1`, "\x80\xdb\xdc\xfb\xfdyY,"} {
		if special(word([]byte(plain))) {
			t.Errorf("%q is thought to be special: correct, but slow", plain)
		}
	}
}

// marks are the highest bits of the bytes that are among those of set.
func marks(text []byte, set string) (w uint64) {
	for i, c := range text {
		if strings.IndexByte(set, c) >= 0 {
			w |= 0x80 << (8 * i)
		}
	}
	return w
}
