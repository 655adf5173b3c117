// Package models holds what the service knows: nouns, rules, tables, errors and
// migrations. It imports nothing of ours, so every other folder may import it.
package models
