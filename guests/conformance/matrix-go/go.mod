module matrix-go

go 1.24
