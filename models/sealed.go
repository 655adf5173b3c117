package models

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const (
	sealedVersion = 1  // first byte of every sealed value: the layout below
	keyLength     = 32 // AES-256
)

// keyID is how a key may be called: short, because every sealed value carries it.
var keyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// Sealer seals what is secret at rest: AES-256-GCM with a key id, bound to
// table, column and row, so that a sealed value cannot be moved elsewhere.
//
// A sealed value is: version (1 byte), length of the key id (1 byte), key id,
// nonce (12 bytes), ciphertext with its tag.
type Sealer struct {
	first string // id of the key that seals
	keys  map[string]cipher.AEAD
}

// NewSealer reads a key ring in the form of ENCRYPTION_KEYS: id:base64 of 32
// bytes, comma-separated; the first one seals, all of them open. The error
// names the key by its place or id, never by its content.
func NewSealer(keys string) (*Sealer, error) {
	s := &Sealer{keys: map[string]cipher.AEAD{}}
	for i, entry := range strings.Split(keys, ",") {
		if err := s.add(strings.TrimSpace(entry)); err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
	}
	return s, nil
}

// add takes one id:base64 into the ring.
func (s *Sealer) add(entry string) error {
	id, encoded, found := strings.Cut(entry, ":")
	if !found || !keyID.MatchString(id) {
		return fmt.Errorf("not in the form id:base64, with an id of at most 32 letters, digits, dots, dashes or underscores")
	}
	if _, twice := s.keys[id]; twice {
		return fmt.Errorf("the id %s is there twice", id)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) != keyLength {
		return fmt.Errorf("the key %s is not the base64 of %d bytes", id, keyLength)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	if s.keys[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return err
	}
	if s.first == "" {
		s.first = id
	}
	return nil
}

// Seal seals plain for one place: the row of a table's column.
func (s *Sealer) Seal(table, column string, row int64, plain []byte) ([]byte, error) {
	if s == nil {
		return nil, errNoKeys
	}
	head := s.head(s.first)
	return s.keys[s.first].Seal(head, nil, plain, place(head, table, column, row)), nil
}

// Open opens what Seal made for the same place. The errors are for operators:
// a key that left the ring too early, or a value that was changed or moved.
func (s *Sealer) Open(table, column string, row int64, sealed []byte) ([]byte, error) {
	if s == nil {
		return nil, errNoKeys
	}
	id, err := sealedWith(sealed)
	if err != nil {
		return nil, fmt.Errorf("%s.%s of row %d: %w", table, column, row, err)
	}
	key, known := s.keys[id]
	if !known {
		return nil, Errorf(Internal, "A secret was sealed with the key %q, which ENCRYPTION_KEYS no longer has. Add it again behind the others and run: extractor rekey", id)
	}
	head := s.head(id)
	plain, err := key.Open(nil, nil, sealed[len(head):], place(head, table, column, row))
	if err != nil {
		return nil, fmt.Errorf("%s.%s of row %d was changed or belongs elsewhere: %w", table, column, row, err)
	}
	return plain, nil
}

// errNoKeys is for processes that were started without a key ring.
var errNoKeys = Errorf(Internal, "This process has no key to seal or open secrets. Set ENCRYPTION_KEYS.")

// head is the start of every value sealed with the key id.
func (s *Sealer) head(id string) []byte {
	return append([]byte{sealedVersion, byte(len(id))}, id...)
}

// sealedWith is the id of the key that a value was sealed with.
func sealedWith(sealed []byte) (string, error) {
	if len(sealed) < 2 || len(sealed) < 2+int(sealed[1]) {
		return "", fmt.Errorf("not a sealed value")
	}
	if sealed[0] != sealedVersion {
		return "", fmt.Errorf("sealed in an unknown layout (%d)", sealed[0])
	}
	return string(sealed[2 : 2+int(sealed[1])]), nil
}

// place is what a sealed value is bound to, its own head included.
func place(head []byte, table, column string, row int64) []byte {
	return append(head[:len(head):len(head)], "|"+table+"|"+column+"|"+strconv.FormatInt(row, 10)...)
}

// RandomToken is a new secret of 256 bits in letters that a URL takes as they are.
func RandomToken() string {
	b := make([]byte, 32)
	rand.Read(b) // documented to never fail: it crashes the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}
