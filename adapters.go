package main

import (
	"extractor/hostapi"
	"extractor/hostapi/bigcommerce"
	"extractor/hostapi/quickbooks"
	"extractor/hostapi/sandbox"
	"extractor/hostapi/shopify"
	"extractor/hostapi/square"
	"extractor/hostapi/stripe"
	"extractor/hostapi/woocommerce"
	"extractor/targetapi"
	"extractor/targetapi/trustfile"
)

// The adapters, by the name of their folder. It is also the prefix of their
// variables (SQUARE_CLIENT_ID), their part of URLs and their value in tables.
// To add one is to add its line.
var (
	hostConfigs = map[string]func() hostapi.Config{
		"bigcommerce": func() hostapi.Config { return new(bigcommerce.Config) },
		"quickbooks":  func() hostapi.Config { return new(quickbooks.Config) },
		"sandbox":     func() hostapi.Config { return new(sandbox.Config) },
		"shopify":     func() hostapi.Config { return new(shopify.Config) },
		"square":      func() hostapi.Config { return new(square.Config) },
		"stripe":      func() hostapi.Config { return new(stripe.Config) },
		"woocommerce": func() hostapi.Config { return new(woocommerce.Config) },
	}

	targetConfigs = map[string]func() targetapi.Config{
		"trustfile": func() targetapi.Config { return new(trustfile.Config) },
	}
)

// theTarget is where all connections deliver to.
const theTarget = "trustfile"
