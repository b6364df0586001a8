module enrich-go

go 1.24
