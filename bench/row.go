package main

import (
	"fmt"
	"math"
)

// row is one figure of a job.
type row struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Goal   float64 `json:"goal,omitempty"`
	Sign   string  `json:"sign,omitempty"` // how the value should stand to the goal: ≥ or ≤; empty: no goal
	Met    bool    `json:"met,omitempty"`  // the goal, where there is one
	Digits int     `json:"-"`              // after the point, for people
}

// ratioDigits suit figures of which one is as good as the reference.
const ratioDigits = 2

// atLeast is a figure that we promise to be so large.
func atLeast(name string, value, goal float64, digits int) row {
	value = round(value, digits)
	return row{Name: name, Value: value, Goal: goal, Sign: "≥", Met: value >= goal, Digits: digits}
}

// atMost is a figure that we promise to be so small.
func atMost(name string, value, goal float64, digits int) row {
	value = round(value, digits)
	return row{Name: name, Value: value, Goal: goal, Sign: "≤", Met: value <= goal, Digits: digits}
}

// figure is one that explains others.
func figure(name string, value float64, digits int) row {
	return row{Name: name, Value: round(value, digits), Digits: digits}
}

func (r row) value() string { return fmt.Sprintf("%.*f", r.Digits, r.Value) }

// goal is what we promise, as people write it.
func (r row) goal() string { return fmt.Sprintf("%s %v", r.Sign, r.Goal) }

func (r row) verdict() string {
	if r.Met {
		return "met"
	}
	return "**not met**"
}

func round(f float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(f*p) / p
}
