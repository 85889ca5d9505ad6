using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace MailEngine.Accounts.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class OneTimeLinks : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "RecoveryAddress",
                table: "account",
                type: "TEXT",
                maxLength: 320,
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateTable(
                name: "one_time_link",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    AccountId = table.Column<long>(type: "INTEGER", nullable: false),
                    Purpose = table.Column<int>(type: "INTEGER", nullable: false),
                    TokenHash = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    EndsAt = table.Column<long>(type: "INTEGER", nullable: false),
                    Stamp = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    SentTo = table.Column<string>(type: "TEXT", maxLength: 320, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_one_time_link", x => x.Id);
                    table.ForeignKey(
                        name: "FK_one_time_link_account_AccountId",
                        column: x => x.AccountId,
                        principalTable: "account",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_one_time_link_AccountId",
                table: "one_time_link",
                column: "AccountId");

            migrationBuilder.CreateIndex(
                name: "IX_one_time_link_EndsAt",
                table: "one_time_link",
                column: "EndsAt");

            migrationBuilder.CreateIndex(
                name: "IX_one_time_link_TokenHash",
                table: "one_time_link",
                column: "TokenHash",
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "one_time_link");

            migrationBuilder.DropColumn(
                name: "RecoveryAddress",
                table: "account");
        }
    }
}
