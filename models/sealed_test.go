package models

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

const (
	oldKey = "old:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	newKey = "new:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

func sealer(t *testing.T, keys string) *Sealer {
	t.Helper()
	s, err := NewSealer(keys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedValueOpensInItsPlaceOnly(t *testing.T) {
	t.Parallel()
	s := sealer(t, newKey)
	sealed, err := s.Seal("tokens", "access", 7, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := s.Open("tokens", "access", 7, sealed)
	if err != nil || string(plain) != "secret" {
		t.Fatalf("opened %q, %v", plain, err)
	}
	for _, at := range []struct {
		table, column string
		row           int64
	}{{"tokens", "access", 8}, {"tokens", "refresh", 7}, {"attempts", "access", 7}} {
		if _, err := s.Open(at.table, at.column, at.row, sealed); err == nil {
			t.Errorf("opened at %v as well", at)
		}
	}
}

func TestSealedValueDiffersEachTime(t *testing.T) {
	t.Parallel()
	s := sealer(t, newKey)
	a, _ := s.Seal("t", "c", 1, []byte("same"))
	b, _ := s.Seal("t", "c", 1, []byte("same"))
	if bytes.Equal(a, b) || bytes.Contains(a, []byte("same")) {
		t.Fatalf("%x and %x", a, b)
	}
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	t.Parallel()
	s := sealer(t, newKey+","+oldKey)
	sealed, err := s.Seal("tokens", "access", 7, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if _, err := s.Open("tokens", "access", 7, changed); err == nil {
				t.Errorf("bit %d of byte %d changed and nobody noticed", bit, i)
			}
		}
	}
	for n := range sealed {
		if _, err := s.Open("tokens", "access", 7, sealed[:n]); err == nil {
			t.Errorf("cut to %d bytes and nobody noticed", n)
		}
	}
}

func TestKeyRing(t *testing.T) {
	t.Parallel()
	sealed, err := sealer(t, oldKey).Seal("t", "c", 1, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := sealer(t, newKey+" , "+oldKey).Open("t", "c", 1, sealed); err != nil || string(plain) != "x" {
		t.Fatalf("the old key still in the ring: %q, %v", plain, err)
	}
	_, err = sealer(t, newKey).Open("t", "c", 1, sealed)
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, `"old"`) || !strings.Contains(e.Message, "ENCRYPTION_KEYS") {
		t.Fatalf("the old key gone: %v", err)
	}
	var none *Sealer
	if _, err := none.Seal("t", "c", 1, nil); err == nil {
		t.Fatal("sealed without a key ring")
	}
	if _, err := none.Open("t", "c", 1, sealed); err == nil {
		t.Fatal("opened without a key ring")
	}
}

func TestIllFormedKeyRingNamesNoSecret(t *testing.T) {
	t.Parallel()
	short := base64.StdEncoding.EncodeToString([]byte("only a few bytes"))
	for _, keys := range []string{"", ",", "id", "id:", ":" + short, "id:" + short, "id:%%%", oldKey + ",", oldKey + "," + oldKey, "a b:" + oldKey[4:]} {
		_, err := NewSealer(keys)
		if err == nil {
			t.Errorf("%q was taken", keys)
			continue
		}
		if strings.Contains(err.Error(), short) || strings.Contains(err.Error(), oldKey[4:]) {
			t.Errorf("%q: the error holds a key: %v", keys, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s, err := NewSealer(newKey)
	if err != nil {
		f.Fatal(err)
	}
	// Sealed once and for all: every process that looks must know the same one.
	good, err := hex.DecodeString("01036e65774cf845b376ce51cc1dbdeb52acf7e3e2d7deb28e3d6dff6b496c081536")
	if err != nil {
		f.Fatal(err)
	}
	if plain, err := s.Open("t", "c", 1, good); err != nil || string(plain) != "x" {
		f.Fatalf("%q, %v", plain, err)
	}
	f.Add(good)
	f.Add([]byte{1, 255})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if _, err := s.Open("t", "c", 1, sealed); err == nil && !bytes.Equal(sealed, good) {
			t.Fatalf("%x was opened", sealed)
		}
	})
}
