Console.WriteLine("Used by dotnet-ef at design time only.");
