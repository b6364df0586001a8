module text-slug-go

go 1.24
