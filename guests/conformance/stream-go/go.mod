module stream-go

go 1.24
