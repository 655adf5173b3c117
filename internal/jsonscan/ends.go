package jsonscan

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Where values end is found eight bytes at a time, by arithmetic on a word that
// holds them: most of what a host sends is only passed over. In such a word a
// byte is answered for by its highest bit.
// https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord

const (
	lows    = 0x0101010101010101 // the lowest bit of each byte
	highs   = lows << 7          // the highest
	wordLen = 8
)

// word are the first eight bytes of text, the first of them lowest.
func word(text []byte) uint64 { return binary.LittleEndian.Uint64(text) }

// first marks the first byte of w that is c; marks behind it may be wrong.
func first(w uint64, c byte) uint64 {
	w ^= lows * uint64(c)
	return (w - lows) &^ w & highs
}

// not marks each byte of w that is not c, an ASCII character, and no other; it
// leaves rubbish in the other bits.
func not(w uint64, c byte) uint64 {
	return (w&^highs ^ lows*uint64(c)) + ^uint64(highs) | w
}

// stringEnd is where the string ends whose first character is at at; -1 when it
// does not. plain says that nothing in it is escaped.
func stringEnd(text []byte, at int) (end int, plain bool) {
	for ; at <= len(text)-wordLen; at += wordLen {
		w := word(text[at : at+wordLen])
		if found := first(w, '"') | first(w, '\\'); found != 0 {
			at += bits.TrailingZeros64(found) / 8
			if text[at] == '"' {
				return at + 1, true
			}
			return escapedEnd(text, at), false
		}
	}
	for ; at < len(text); at++ {
		switch text[at] {
		case '"':
			return at + 1, true
		case '\\':
			return escapedEnd(text, at), false
		}
	}
	return -1, false
}

// escapedEnd is stringEnd from a backslash on.
func escapedEnd(text []byte, at int) int {
	for ; at < len(text); at++ {
		switch text[at] {
		case '"':
			return at + 1
		case '\\':
			at++
		}
	}
	return -1
}

// nestedEnd is where the object or array ends whose bracket is at at; -1 when
// it does not. Most bytes of a page pass through this loop. In most words is
// nothing but text, of which the quotes are counted: a byte is in a string when
// those up to it are odd in number, which inside tells by its lowest bit.
func nestedEnd(text []byte, at int) int {
	depth, inside := 0, uint64(0)
	for at <= len(text)-wordLen {
		w := word(text[at : at+wordLen])
		quotes := ^not(w, '"') & highs
		switch {
		case !special(w):
			inside ^= uint64(bits.OnesCount64(quotes))
		case first(w, '\\') != 0:
			n := nest{at, depth, inside&1 != 0}
			if n.bytewise(text, at+wordLen) {
				return n.at
			}
			at, depth, inside = n.at, n.depth, bit(n.inside)
			continue
		default:
			odd := quotes>>7*lows ^ inside&1*lows // a product counts them for all bytes at once
			inside = odd >> 56
			opening, closing := brackets(w, odd<<7)
			closed := bits.OnesCount64(closing)
			if depth <= closed {
				if end := closingBracket(opening, closing, depth); end > 0 {
					return at + end
				}
			}
			depth += bits.OnesCount64(opening) - closed
		}
		at += wordLen
	}
	n := nest{at, depth, inside&1 != 0}
	if n.bytewise(text, len(text)) {
		return n.at
	}
	return -1
}

// toBrace are the bits that make braces of brackets, and | of a backslash.
const toBrace = lows * ('{' ^ '[')

// special reports whether a bracket or a backslash is in w: an ASCII character
// from { on, or one that toBrace makes such. A few others are, too.
func special(w uint64) bool {
	const far = lows * (0x80 - '{')
	return ((w&^highs|toBrace)+far)&^w&highs != 0
}

// brackets marks the brackets of w, but for those where strings has a mark. One
// added to either makes 0x7c or 0x7e: the second bit says that it closes.
func brackets(w, strings uint64) (opening, closing uint64) {
	const closes, same = lows * 2, lows * 0x7c
	next := (w&^highs | toBrace) + lows
	both := ^(next&^(closes|highs) ^ same + ^uint64(highs) | w | strings) & highs
	closing = both & (next << 6)
	return both &^ closing, closing
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// closingBracket is how far it is to behind the bracket of a word that closes
// the last open one; 0 when none does.
func closingBracket(opening, closing uint64, depth int) int {
	for both := opening | closing; both != 0; both &= both - 1 {
		if both&-both&opening != 0 {
			depth++
		} else if depth--; depth <= 0 {
			return bits.TrailingZeros64(both)/8 + 1
		}
	}
	return 0
}

// nest is where a walk over an object or array is, byte by byte.
type nest struct {
	at, depth int
	inside    bool // a string
}

// bytewise walks on to end, or over it where an escaped character lies there,
// and reports whether the last bracket was met.
func (n *nest) bytewise(text []byte, end int) bool {
	for ; n.at < end; n.at++ {
		switch c := text[n.at]; {
		case c == '"':
			n.inside = !n.inside
		case c == '\\' && n.inside:
			n.at++
		case n.inside:
		case c == '{', c == '[':
			n.depth++
		case c == '}', c == ']':
			if n.depth--; n.depth <= 0 {
				n.at++
				return true
			}
		}
	}
	return false
}

// plainEnd is where a number, true, false or null ends, whatever it is made of;
// -1 when nothing follows.
func plainEnd(text []byte, at int) int {
	for i, c := range text[at:] {
		if ends[c] {
			return at + i
		}
	}
	return -1
}

// ends are the bytes behind a plain value.
var ends = [256]bool{',': true, '}': true, ']': true, ' ': true, '\t': true, '\n': true, '\r': true}

// valueEnd is where the value ends whose first byte is at at.
func valueEnd(text []byte, at int) (end int, err error) {
	switch {
	case at >= len(text):
		end = -1
	case text[at] == '"':
		end, _ = stringEnd(text, at+1)
	case text[at] == '{', text[at] == '[':
		end = nestedEnd(text, at)
	default:
		end = plainEnd(text, at)
	}
	switch end {
	case -1:
		return at, ErrTorn
	case at:
		return at, fmt.Errorf("no value at byte %d", at)
	}
	return end, nil
}
